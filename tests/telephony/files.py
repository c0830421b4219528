"""Files that can be used."""

from tests.e2e.stack import ROOT

EXAMPLE = ROOT / "deploy" / "sip" / "telephony.toml"
GOOD = """\
[[inbound]]
name = "carrier"
numbers = ["+15550002222"]
allowed_addresses = ["203.0.113.0/24"]

[[rule]]
name = "reception"
trunks = ["carrier"]
"""
"""A good file. Its trunk begins on line 1, its rule on line 6; what is appended belongs to the rule, from line 9 on."""
PIN_RULE = '[[rule]]\nname = "vip"\ntrunks = ["carrier"]\npin = "1234"\n'
