"""The doors: the carrier's webhooks, the API, the caller's page, the console, the desk, the wallboard and operations.

Every module here translates HTTP into a call of a flow and the answer back; `app` assembles them.
"""
