"""What tests share: real servers started for the run, a clock that is turned by hand, and a real browser."""
