"""A virtual queue: callers hang up, keep their place in line, and are called back.

One caller's journey is the plan of the building, and each step is a module of `callback.flows`:

    arrive   a call comes in, joins the line, and hears the wait, perhaps with an offer
    enrol    the caller takes the offer: the promise is committed, then spoken
    match    a free agent and the next in line are paired, with a lease
    dial     the promise is kept: the carrier is asked to ring the caller
    bridge   caller and agent, each proved present by a key, talk
    settle   the outcome is recorded: done, try again, or give up
    cancel   the caller changes their mind, at any moment
    sweep    whatever died between two steps is found and goes on

`domain` holds the rules as pure functions, `ports` what the flows need of the world, `adapters` the world itself
(Redis keeps the line, SQL the record, Twilio the calls), `web` the doors, `wiring` the only choice of who plays whom.
"""
