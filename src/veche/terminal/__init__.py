"""What people see in a terminal: polls, results, bars. For the command line and the demo."""
