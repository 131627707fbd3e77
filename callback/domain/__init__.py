"""The rules: values and `now` in, decisions out. Nothing here touches a clock, a network or a database."""
