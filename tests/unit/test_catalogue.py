"""The catalogue: every sentence is translated, files agree with the code, and flows ask for nothing it lacks."""

import ast
import gettext
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from callback.adapters.telephony.prompts import FORMATTERS, LOCALE_FOLDER, MANNERS, VARIANTS, say
from callback.adapters.telephony.sentences import SENTENCES, TEXTS
from callback.domain.dialogue import Prompt
from callback.emulator import speech
from callback.emulator.speech import Intent
from callback.locale import build

ROOT = Path(__file__).resolve().parents[2]
FLOWS = sorted((ROOT / "callback" / "flows").glob("*.py"))

EVERY_VALUE: dict[str, str | int | float] = {
    "queue": "Support",
    "code": "123456",
    "position": 2,
    "low": 4,
    "high": 6,
    "minutes": 5,
    "hours": 3,
    "number": "+12015550123",
    "caller_id": "+12015550100",
    "zone": "UTC",
    "name": "Ada",
    "key": "1",
    "url": "https://callback.example/c/token",
    **dict.fromkeys(("when", "opens", "requested", "slot", "slot1", "slot2", "slot3"), "2026-03-03T14:00:00Z"),
}


@pytest.mark.parametrize("language", build.LANGUAGES)
def test_every_sentence_is_translated_with_all_its_places(language: str) -> None:
    assert build.untranslated(language) == []


@pytest.mark.parametrize("language", build.LANGUAGES)
def test_the_files_are_what_the_build_would_write(language: str) -> None:
    assert build.outdated(language) == [], "run `python -m callback.locale.build`"


@pytest.mark.parametrize("language", build.LANGUAGES)
def test_the_compiled_catalogue_says_what_the_merged_one_says(language: str) -> None:
    compiled = gettext.translation("messages", LOCALE_FOLDER, [language])

    for message in build.merged(language):
        if isinstance(message.id, str) and message.id:
            assert compiled.gettext(message.id) == message.string
        elif message.id:
            assert compiled.ngettext(*message.id, 2) == message.string[-1]


def test_there_is_a_catalogue_for_every_language_but_the_source() -> None:
    assert set(MANNERS) == {"en", *build.LANGUAGES}


@pytest.mark.parametrize("language", MANNERS)
@pytest.mark.parametrize("name", sorted(SENTENCES.keys() | VARIANTS.keys()))
def test_every_sentence_can_be_said_and_leaves_no_place_open(name: str, language: str) -> None:
    said = say(Prompt(name, EVERY_VALUE), language)

    assert said
    assert "%" not in said


@pytest.mark.parametrize("language", MANNERS)
@pytest.mark.parametrize("name", sorted(TEXTS))
def test_no_text_asks_for_an_answer_the_carrier_keeps_to_itself(name: str, language: str) -> None:
    said = say(Prompt(name, EVERY_VALUE), language)

    assert not re.search(r"\breply|\brespond|\bsend\b|\btext (us|back)|回复", said, re.IGNORECASE)
    assert not re.search(r"\b(STOP|STOPALL|UNSUBSCRIBE|CANCEL|END|QUIT)\b", said)


@pytest.mark.parametrize("language", MANNERS)
@pytest.mark.parametrize(
    ("prompts", "keys"),
    [
        (("offer_keys",), {"1": Intent.CALLBACK, "2": Intent.STAY, "3": Intent.LATER}),
        (("offer_keys_no_number",), {"1": Intent.CALLBACK, "2": Intent.STAY, "3": Intent.LATER}),
        (("confirm_number", "confirm_keys"), {"1": Intent.CONFIRM, "2": Intent.OTHER_NUMBER}),
        (("hold_offer",), {"1": Intent.CALLBACK}),
        (("later_slots",), {"1": Intent.SLOT, "2": Intent.SLOT, "3": Intent.SLOT}),
        (("already_waiting", "already_keys"), {"1": Intent.CALLBACK, "2": Intent.STAY, "3": Intent.NOT_NEEDED}),
        (("whisper_live", "whisper_key"), {"1": Intent.TALK}),
        (("human_check", "human_keys"), {"1": Intent.TALK, "2": Intent.LATER, "3": Intent.NOT_NEEDED}),
    ],
)
def test_whoever_only_listens_understands_which_key_does_what(
    prompts: tuple[str, ...], keys: dict[str, Intent], language: str
) -> None:
    heard = " ".join(say(Prompt(name, EVERY_VALUE), language) for name in prompts)

    assert {option.key: option.intent for option in speech.options(heard)} == keys


@pytest.mark.parametrize("language", MANNERS)
def test_whoever_only_listens_understands_the_request_for_a_number_and_the_promise(language: str) -> None:
    request = say(Prompt("enter_number"), language)

    assert speech.asks_for_number(request)
    assert speech.wants_hash(request)
    assert speech.is_promise(say(Prompt("promise", EVERY_VALUE), language))
    assert speech.is_promise(say(Prompt("promise_unknown", EVERY_VALUE), language))
    assert not speech.is_promise(say(Prompt("not_needed_done"), language))
    assert speech.is_goodbye(say(Prompt("goodbye"), language))


def prompts_of_flows() -> Iterator[tuple[str, str]]:
    """Every `Prompt("…")` that a flow writes down: the file and the id."""
    for path in FLOWS:
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "Prompt"
                and node.args
            ):
                names = (leaf.value for leaf in ast.walk(node.args[0]) if isinstance(leaf, ast.Constant))
                yield from ((path.name, name) for name in names if isinstance(name, str))


def test_flows_ask_only_for_sentences_there_are() -> None:
    asked = set(prompts_of_flows())

    assert asked
    assert {(file, name) for file, name in asked if name not in SENTENCES and name not in VARIANTS} == set()


def test_flows_give_the_values_that_a_sentence_needs() -> None:
    lacking = []
    for path in FLOWS:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Prompt":
                lacking += [(path.name, node.lineno, name) for name in lacking_values(node)]
    assert lacking == []


def lacking_values(call: ast.Call) -> set[str]:
    """The values a literal `Prompt("id", {…})` should have and has not; nothing where either part is computed."""
    if not call.args or not isinstance(call.args[0], ast.Constant) or call.args[0].value in VARIANTS:
        return set()
    given = call.args[1] if len(call.args) > 1 else ast.Dict(keys=[], values=[])
    if not isinstance(given, ast.Dict) or None in given.keys:
        return set()
    names = {key.value for key in given.keys if isinstance(key, ast.Constant)}
    sentence = SENTENCES[str(call.args[0].value)]
    return needed_by(sentence.text + sentence.plural) - names


def needed_by(text: str) -> set[str]:
    """The values behind the places of a text."""
    places = set(re.findall(r"%\((\w+)\)", text))
    computed = {"wait": {"low", "high"}, "waited": {"minutes"}}
    zone = {"zone"} if any(FORMATTERS.get(place) is FORMATTERS["when"] for place in places) else set()
    return {value for place in places for value in computed.get(place, {place})} | zone


class TestTheBuild:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return Path(shutil.copytree(LOCALE_FOLDER, tmp_path / "locale"))

    def test_a_second_run_changes_nothing(self, folder: Path) -> None:
        build.build("zh", folder)
        assert build.outdated("zh", folder) == []

    def test_a_new_sentence_appears_untranslated_and_is_named(self, folder: Path) -> None:
        fragment = folder / "zh" / "voice.po"
        text = fragment.read_text()
        fragment.write_text(text.replace('msgid "We are connecting you now."', 'msgid "We were connecting you."'))

        assert build.outdated("zh", folder)
        build.build("zh", folder)
        assert "'We are connecting you now.' has no translation" in build.untranslated("zh", folder)
        assert "We were connecting you." not in fragment.read_text()

    def test_a_translation_that_loses_a_place_is_named(self, folder: Path) -> None:
        fragment = folder / "zh" / "voice.po"
        fragment.write_text(fragment.read_text().replace("感谢您致电%(queue)s。", "感谢您致电。"))

        complaint = "'Thank you for calling %(queue)s.' is translated with other places than ['queue']"
        assert complaint in build.untranslated("zh", folder)

    def test_two_translations_of_one_sentence_are_refused(self, folder: Path) -> None:
        with (folder / "zh" / "web.po").open("a") as web:
            web.write('\nmsgid "Please stay on the line. You keep your place."\nmsgstr "别的"\n')

        with pytest.raises(ValueError, match="two translations of 'Please stay on the line"):
            build.merged("zh", folder)

    def test_the_check_passes_on_what_is_committed(self) -> None:
        result = CliRunner().invoke(build.main, ["--check"])
        assert (result.exit_code, result.output) == (0, "")
