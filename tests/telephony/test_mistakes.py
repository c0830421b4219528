"""Every mistake in telephony.toml is named with its line, its field, its value and its fix."""

import pytest

from telephony.errors import Mistake, SpecError
from telephony.reading import LONGEST_FILE, parse
from tests.telephony.files import GOOD, PIN_RULE


def mistakes(text: str | bytes) -> list[Mistake]:
    with pytest.raises(SpecError) as caught:
        parse(text if isinstance(text, bytes) else text.encode())
    return caught.value.mistakes


@pytest.mark.parametrize(
    ("text", "line", "field", "sentence"),
    [
        pytest.param(
            GOOD.replace('trunks = ["carrier"]', "trunks = []"),
            8,
            "[[rule]] 'reception': trunks",
            "is []; name the [[inbound]] it is for: LiveKit lets every stranger into a rule without a trunk",
            id="a rule for nobody's trunk",
        ),
        pytest.param(
            GOOD.replace('trunks = ["carrier"]', ""),
            6,
            "[[rule]] 'reception': trunks",
            "is missing; name the [[inbound]] it is for: LiveKit lets every stranger into a rule without a trunk",
            id="a rule without trunks",
        ),
        pytest.param(
            GOOD.replace('trunks = ["carrier"]', 'trunks = ["carier"]'),
            8,
            "[[rule]] 'reception': trunks[0]",
            "is 'carier', but no [[inbound]] has that name; there are: carrier",
            id="an unknown trunk",
        ),
        pytest.param(
            GOOD.replace("allowed_addresses =", 'auth_username = "u"\nallowed_addresses ='),
            4,
            "[[inbound]] 'carrier': auth_username",
            "is 'u' without a password; add auth_password_env: LiveKit asks nobody for a password",
            id="a user name without a password",
        ),
        pytest.param(
            GOOD.replace("allowed_addresses =", 'auth_password_env = "P"\nallowed_addresses ='),
            4,
            "[[inbound]] 'carrier': auth_password_env",
            "is 'P' without a user name; add auth_username",
            id="a password without a user name",
        ),
        pytest.param(
            GOOD.replace("203.0.113.0/24", "sip.example.com"),
            4,
            "[[inbound]] 'carrier': allowed_addresses[0]",
            "is 'sip.example.com'; it must be an IP address or a CIDR such as 203.0.113.0/24; LiveKit compares a host name",
            id="a host name as an address",
        ),
        pytest.param(
            GOOD.replace("203.0.113.0/24", "nonsense/99"),
            4,
            "[[inbound]] 'carrier': allowed_addresses[0]",
            "is 'nonsense/99'; it must be an IP address or a CIDR",
            id="no CIDR",
        ),
        pytest.param(
            GOOD.replace("203.0.113.0/24", "203.0.113.7/24"),
            4,
            "[[inbound]] 'carrier': allowed_addresses[0]",
            "203.0.113.7/24 has host bits set",
            id="a CIDR that means another",
        ),
        pytest.param(
            GOOD.replace('allowed_addresses = ["203.0.113.0/24"]', ""),
            2,
            "[[inbound]] 'carrier': name",
            "is 'carrier', which lets anybody call who finds the port; add auth_username and auth_password_env, or",
            id="a trunk without a lock",
        ),
        pytest.param(
            GOOD + 'kind = "direct"\n',
            9,
            "[[rule]] 'reception': kind",
            "is 'direct' without `room`; add it: LiveKit would accept the call into no room at all",
            id="no room",
        ),
        pytest.param(
            GOOD + 'kind = "direct"\nroom = ""\n',
            10,
            "[[rule]] 'reception': room",
            "is ''; it must be up to 64 letters, digits and ._-, not empty",
            id="an empty room",
        ),
        pytest.param(
            GOOD + 'room = "x"\n', 9, "[[rule]] 'reception': room", "write room_prefix, or kind", id="a room for nobody"
        ),
        pytest.param(
            GOOD + 'kind = "direct"\nroom = "x"\nrandomize = true\n',
            11,
            "[[rule]] 'reception': randomize",
            'means nothing with kind = "direct"',
            id="a key that means nothing",
        ),
        pytest.param(
            GOOD + 'pin = "12a4"\n',
            9,
            "[[rule]] 'reception': pin",
            "is ***; it must be 1 to 16 digits: nothing else can be typed on a phone",
            id="a PIN that nobody can type",
        ),
        pytest.param(
            GOOD + "pin = 1234\n", 9, "[[rule]] 'reception': pin", "is ***; input should be a valid string", id="a number"
        ),
        pytest.param(
            GOOD + '[[inbound]]\nname = "two"\nnumbers = ["777", "15550002222"]\nallowed_addresses = ["192.0.2.1"]\n'
            '[[rule]]\nname = "r2"\ntrunks = ["two"]\n',
            11,
            "[[inbound]] 'two': numbers[1]",
            "is '15550002222', which trunk 'carrier' has; a number belongs to one trunk",
            id="overlapping trunks",
        ),
        pytest.param(
            GOOD.replace('numbers = ["+15550002222"]', "")
            + '[[inbound]]\nname = "two"\nallowed_addresses = ["192.0.2.1"]\n[[rule]]\nname = "r2"\ntrunks = ["two"]\n',
            10,
            "[[inbound]] 'two': name",
            "is 'two', a trunk for every number; so is 'carrier'",
            id="two trunks for every number",
        ),
        pytest.param(
            GOOD.replace('["+15550002222"]', '["+15550002222", "15550002222"]'),
            3,
            "[[inbound]] 'carrier': numbers[1]",
            "is '15550002222', for LiveKit the same as '+15550002222'",
            id="one number twice",
        ),
        pytest.param(
            GOOD + 'numbers = ["+15550002222"]\n' + PIN_RULE,
            11,
            "[[rule]] 'vip': name",
            "is 'vip': with its filters 'reception' outranks the PIN of 'vip'; give 'vip' the same numbers and callers, or",
            id="numbers that outrank a PIN",
        ),
        pytest.param(
            PIN_RULE + GOOD + 'callers = ["alice"]\n',
            11,
            "[[rule]] 'reception': name",
            "is 'reception': with its filters 'reception' outranks the PIN of 'vip'",
            id="callers that outrank a PIN",
        ),
        pytest.param(
            GOOD + '[[rule]]\nname = "again"\ntrunks = ["carrier"]\nkind = "callee"\n',
            10,
            "[[rule]] 'again': name",
            "is 'again', a rule for the same calls on trunk 'carrier' as 'reception'; give one of them",
            id="two rules for the same calls",
        ),
        pytest.param(
            GOOD + 'numbers = ["+15550002222"]\n[[rule]]\nname = "again"\ntrunks = ["carrier"]\nnumbers = ["15550002222"]\n',
            11,
            "[[rule]] 'again': name",
            "for the same calls",
            id="the same calls in another spelling",
        ),
        pytest.param(
            GOOD + 'numbers = ["+15550002222"]\n[[rule]]\nname = "again"\ntrunks = ["carrier"]\ncallers = ["alice"]\n',
            11,
            "[[rule]] 'again': name",
            "is 'again'; a call can fit it and 'reception' equally well; give one of them both numbers and callers",
            id="two rules that fit equally well",
        ),
        pytest.param(
            GOOD + 'numbers = ["777"]\n',
            9,
            "[[rule]] 'reception': numbers[0]",
            "is '777', which none of the rule's trunks has; add it to one's numbers",
            id="a number that nobody calls",
        ),
        pytest.param(
            GOOD + '[[inbound]]\nname = "lonely"\nnumbers = ["1"]\nallowed_addresses = ["192.0.2.1"]\n',
            10,
            "[[inbound]] 'lonely': name",
            "is 'lonely', which no [[rule]] has among its trunks: nobody would answer; add a rule",
            id="a trunk that nobody answers",
        ),
        pytest.param(
            GOOD.replace("+15550002222", "+1 (555) 000-2222"),
            3,
            "[[inbound]] 'carrier': numbers[0]",
            "is '+1 (555) 000-2222'; it must be up to 15 digits such as +15550002222, without spaces or dashes",
            id="a number as people write it",
        ),
        pytest.param(
            GOOD + '[[rule]]\nname = "reception"\ntrunks = ["carrier"]\npin = "1"\n',
            10,
            "[[rule]] 'reception': name",
            "is 'reception', as that of another [[rule]]; names are how `plan` finds them again",
            id="a name twice",
        ),
        pytest.param(
            GOOD.replace('["203.0.113.0/24"]', '["203.0.113.0/24", "0.0.0.0/0"]'),
            4,
            "[[inbound]] 'carrier': allowed_addresses[1]",
            "is '0.0.0.0/0', which is everybody, and there is no password; write your carrier's networks, or add auth_username",
            id="a trunk that is open to the Internet",
        ),
        pytest.param(
            GOOD + '[line]\nhost = "0.0.0.0"\n',
            10,
            "[line]: host",
            "is '0.0.0.0'; it must be one address of this machine",
            id="every address",
        ),
        pytest.param(
            GOOD + '[line]\nhost = "localhost"\n', 10, "[line]: host", "it must be the IP address to listen on", id="a host"
        ),
        pytest.param(
            GOOD + '[line]\nrtp_ports = "9-1"\n', 10, "[line]: rtp_ports", "is '9-1'; it must be two ports", id="ports"
        ),
        pytest.param(GOOD + '[line]\nrtp_ports = "²-³"\n', 10, "[line]: rtp_ports", "it must be two ports", id="no digits"),
        pytest.param(
            GOOD + '[line]\ncodecs = ["opus"]\n', 10, "[line]: codecs[0]", "is 'opus'; input should be 'G722', ", id="a codec"
        ),
        pytest.param(GOOD + "[line]\nport = 70000\n", 10, "[line]: port", "is 70000; input should be less than", id="a port"),
        pytest.param(
            GOOD + 'persona = "../x"\n', 9, "[[rule]] 'reception': persona", "is '../x'; it must be a persona's", id="persona"
        ),
        pytest.param(
            GOOD + 'numbrs = ["1"]\n', 9, "[[rule]] 'reception': numbrs", "did you mean numbers?", id="a misspelt key"
        ),
        pytest.param("[[outbund]]\n", 1, "outbund", "is no key that is known here", id="an unknown table"),
        pytest.param("agent = [\n  1\n", 2, "", "no TOML", id="no end"),
        pytest.param("agent = 1\nagent = 2\n", 2, "", "no TOML: Cannot overwrite a value", id="no TOML"),
        pytest.param(b"agent = 'x'\n# \xff\n", 2, "", "is not UTF-8 text; save the file as UTF-8", id="no UTF-8"),
        pytest.param("inbound = 3\n", 1, "inbound", "is 3; input should be a valid list", id="no table"),
        pytest.param("x = " + "[" * 5000 + "]" * 5000, 1, "", "no TOML that can be read", id="too deep"),
        pytest.param(
            "#" * (LONGEST_FILE + 1), 1, "", f"it has {LONGEST_FILE + 1} bytes; {LONGEST_FILE} are the most", id="too long"
        ),
    ],
)
def test_a_mistake_is_named_with_its_line_and_its_fix(text: str | bytes, line: int, field: str, sentence: str) -> None:
    named = [mistake for mistake in mistakes(text) if sentence in mistake.sentence]
    assert [(mistake.line, mistake.field) for mistake in named] == [(line, field)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_file_with_a_byte_order_mark_is_read_and_its_mistakes_have_their_lines(encoding: str) -> None:
    """Windows' editors and PowerShell save files so."""
    windows = GOOD.replace("\n", "\r\n")
    assert parse(windows.encode(encoding)) == parse(GOOD.encode())
    [mistake] = mistakes((windows + "pin = 1234\r\n").encode(encoding))
    assert mistake.line == 9
    assert mistakes((windows + "pin =\r\n").encode(encoding))[0].line == 9


@pytest.mark.parametrize(
    "text",
    [
        GOOD + 'pin = "12-3456"\n',
        GOOD + "pin = 123456\n",
        GOOD + 'pins = "123456"\n',
        'inbound = { name = "x", auth_password = "123456" }\n',
        'rule = { pin = "123456" }\n',
        'inbound = [[{ password = "123456" }]]\n',
    ],
)
def test_a_pin_or_password_is_never_repeated(text: str) -> None:
    assert not [mistake for mistake in mistakes(text) if "3456" in str(mistake)]
