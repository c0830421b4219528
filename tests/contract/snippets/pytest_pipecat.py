import pytest
from google.genai.types import HttpOptions
from pipecat.frames.frames import EndFrame, Frame, LLMFullResponseEndFrame, LLMRunFrame, TTSTextFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.services.google.gemini_live.llm import GeminiLiveLLMService
from pipecat.workers.runner import WorkerRunner

from emulator import GeminiLive


@pytest.mark.asyncio
async def test_the_bot_greets(gemini_live: GeminiLive) -> None:
    gemini_live.use_script('[otherwise]\nsays = "Welcome to the bakery."')
    service = GeminiLiveLLMService(api_key="any", http_options=HttpOptions(**gemini_live.http_options))
    context = LLMContextAggregatorPair(LLMContext([{"role": "user", "content": "Hello!"}]))
    worker = PipelineWorker(Pipeline([context.user(), service]))
    worker.set_reached_downstream_filter((TTSTextFrame, LLMFullResponseEndFrame))
    said: list[str] = []

    @worker.event_handler("on_frame_reached_downstream")
    async def keep(worker: PipelineWorker, frame: Frame) -> None:
        if isinstance(frame, TTSTextFrame):
            said.append(frame.text)
        else:
            await worker.queue_frame(EndFrame())

    runner = WorkerRunner()
    await runner.add_workers(worker)
    await worker.queue_frame(LLMRunFrame())
    await runner.run()
    assert "bakery" in " ".join(said)
