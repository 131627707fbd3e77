"""The telephone, as Twilio speaks it: REST calls out, documents and signatures in.

`client` asks the carrier for calls and texts, and `errors` says what each of its refusals means for us. `signature`
tells whether a webhook really comes from the carrier. `twiml` writes a `Script` as the document the carrier fetches;
`prompts` words its sentences, all of which stand in `sentences`. `hold_tone` made the music that callers hear while
they wait.
"""
