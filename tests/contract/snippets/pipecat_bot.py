import asyncio
import ssl

from google.genai.types import HttpOptions
from pipecat.frames.frames import EndFrame, Frame, LLMFullResponseEndFrame, LLMRunFrame, TTSTextFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.services.google.gemini_live.llm import GeminiLiveLLMService
from pipecat.workers.runner import WorkerRunner

tls = ssl.create_default_context(cafile="ca.pem")
options = HttpOptions(base_url="https://127.0.0.1:7883", api_version="v1beta", async_client_args={"ssl": tls})


async def main() -> None:
    service = GeminiLiveLLMService(api_key="any", http_options=options)
    context = LLMContextAggregatorPair(LLMContext([{"role": "user", "content": "Hello!"}]))
    worker = PipelineWorker(Pipeline([context.user(), service]))
    worker.set_reached_downstream_filter((TTSTextFrame, LLMFullResponseEndFrame))

    @worker.event_handler("on_frame_reached_downstream")
    async def show(worker: PipelineWorker, frame: Frame) -> None:
        if isinstance(frame, TTSTextFrame):
            print(frame.text)
        else:
            await worker.queue_frame(EndFrame())

    runner = WorkerRunner()
    await runner.add_workers(worker)
    await worker.queue_frame(LLMRunFrame())
    await runner.run()


asyncio.run(main())
