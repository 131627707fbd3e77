"""What it takes to make faults happen to real processes from outside, and to judge from outside what came of it."""
