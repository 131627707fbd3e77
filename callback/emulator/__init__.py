"""A Twilio-compatible carrier over HTTP and the simulated people who use it. Shares no code with the application."""
