"""pipecat's Gemini Live service, unmodified, in a pipeline of its own: two typed turns, a tool round and a spoken turn.

A program for the environment of requirements.txt (pipecat needs an older google-genai than ours). Arguments: the
emulator's URL, its CA's file, a sound file. The conversation begins as pipecat's own examples begin theirs, with a context.
"""

import asyncio
import json
import ssl
import sys
import time
from pathlib import Path

from google.genai.types import HttpOptions
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    Frame,
    FunctionCallInProgressFrame,
    InputAudioRawFrame,
    InputTextRawFrame,
    LLMFullResponseEndFrame,
    LLMRunFrame,
    TTSAudioRawFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.google.gemini_live.llm import GeminiLiveLLMService
from pipecat.services.llm_service import FunctionCallParams
from pipecat.workers.runner import WorkerRunner

CHUNK_BYTES = 640
CHUNK_S = 0.02
TURN_S = 40
TOLD = "Remember the number 42. Just acknowledge it."
LIGHTS = FunctionSchema("turn_on_the_lights", "Turns the lights on.", properties={}, required=[])


class Ear(FrameProcessor):
    """Counts what the model says, at the end of the pipeline."""

    def __init__(self) -> None:
        super().__init__()
        self._audio_bytes, self._words, self._calls = 0, "", set[str]()
        self._answered = asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case TTSAudioRawFrame():
                self._audio_bytes += len(frame.audio)
            case TTSTextFrame():
                self._words += frame.text
            case FunctionCallInProgressFrame():
                self._calls.add(frame.function_name)
            case LLMFullResponseEndFrame() if self._audio_bytes:
                self._answered.set()
        await self.push_frame(frame, direction)

    async def answer(self, turn: str) -> None:
        """Wait for the end of an answer with sound, and print what it was."""
        async with asyncio.timeout(TURN_S):
            await self._answered.wait()
        heard = {"turn": turn, "audio_bytes": self._audio_bytes, "transcript": self._words, "calls": sorted(self._calls)}
        print(json.dumps(heard), flush=True)  # what this program is for
        self._audio_bytes, self._words, self._calls = 0, "", set()
        self._answered.clear()


async def turn_on_the_lights(params: FunctionCallParams) -> None:
    await params.result_callback({"result": "The lamp is violet now."})


async def speak(worker: PipelineWorker, pcm: bytes) -> None:
    due = time.monotonic()
    for offset in range(0, len(pcm), CHUNK_BYTES):
        await worker.queue_frame(InputAudioRawFrame(pcm[offset : offset + CHUNK_BYTES], 16000, 1))
        due += CHUNK_S
        await asyncio.sleep(max(due - time.monotonic(), 0))


async def converse(worker: PipelineWorker, ear: Ear, pcm: bytes) -> None:
    await worker.queue_frame(LLMRunFrame())
    await ear.answer("told")
    await worker.queue_frame(InputTextRawFrame("What number did I ask you to remember?"))
    await ear.answer("asked")
    await worker.queue_frame(InputTextRawFrame("Please turn on the lights."))
    await ear.answer("typed")
    await asyncio.gather(speak(worker, pcm), ear.answer("spoken"))


async def main(url: str, ca_file: str, pcm: bytes) -> None:
    tls = ssl.create_default_context(cafile=ca_file)
    service = GeminiLiveLLMService(
        api_key="any",
        http_options=HttpOptions(base_url=url, async_client_args={"ssl": tls, "verify": tls}, client_args={"verify": tls}),
    )
    service.register_function("turn_on_the_lights", turn_on_the_lights)
    context = LLMContext([{"role": "user", "content": TOLD}], tools=ToolsSchema(standard_tools=[LIGHTS]))
    aggregators = LLMContextAggregatorPair(context)
    ear = Ear()
    worker = PipelineWorker(Pipeline([aggregators.user(), service, ear, aggregators.assistant()]), enable_rtvi=False)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    try:
        await converse(worker, ear, pcm)
    finally:
        await runner.cancel()
        await running


asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]).read_bytes()))
