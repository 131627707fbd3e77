"""A Twilio-compatible carrier over HTTP and the simulated people who use it. Shares no code with the application.

``python -m callback.emulator --port 8100 --number +12025550100 --public-base-url http://127.0.0.1:8000`` runs it on the
loopback interface; ``--help`` shows every option. What it offers:

* below ``/2010-04-01/Accounts/SID/`` the REST API: Calls, Messages, Queues with Members, IncomingPhoneNumbers
  (:mod:`~callback.emulator.server`, :mod:`~callback.emulator.rest_calls`, :mod:`~callback.emulator.rest_account`);
* signed webhooks with retries, limits and fallbacks (:mod:`~callback.emulator.webhooks`) that lead to TwiML, read
  strictly (:mod:`~callback.emulator.twiml`) and executed (:mod:`~callback.emulator.interpreter` and its neighbours);
* below ``/_emulator/`` a control API for tests (:mod:`~callback.emulator.control`): scripted people
  (:mod:`~callback.emulator.scripted`), switches that make it misbehave (:mod:`~callback.emulator.faults`), and the
  ledger of everything that happened (:mod:`~callback.emulator.ledger`);
* below ``/softphone/`` telephones in browsers (:mod:`~callback.emulator.softphone`);
* with ``--people``, callers and agents who live in the same process (:mod:`~callback.emulator.people`).

Two kinds of time. Whatever people do, say, hear or wait for inside a document (speech, Pause, Gather's timeout,
timeLimit, detection, post-dial delay, delivery of texts) is simulated and passes ``--speed`` times faster. Whatever
the application or the network counts is real: ring timeouts (``Timeout`` of a call, ``timeout`` of Dial), the pace of
calls, webhook limits, the seconds of fault rules, and every date, duration and queue time that is reported.

Where the carrier's documentation leaves a choice, this is what happens here: a leg whose Dial gave up on it, or lost to
another, ends as ``no-answer``; ``DialCallStatus`` is ``completed`` for an answered leg even if its whisper document
refused the call, and ``DialBridged`` tells whether anybody talked; a caller redirected out of a queue by REST still has
the Enqueue's ``action`` requested (its answer is ignored); a failing wait document ends the wait with
``QueueResult=error``; a document that fails without a fallback is followed by a spoken apology, and the call ends
``completed``.
"""
