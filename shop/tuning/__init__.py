"""How many intake workers a machine wants: `tune_intake` places real orders and measures them."""
