"""The world behind the ports: Redis for the line, SQL for the record, Twilio for the calls, Celery for later."""
