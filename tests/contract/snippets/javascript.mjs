// NODE_EXTRA_CA_CERTS=ca.pem node javascript.mjs
import { GoogleGenAI, Modality } from "@google/genai";

const httpOptions = { baseUrl: "https://127.0.0.1:7883", apiVersion: "v1beta" };
const ai = new GoogleGenAI({ apiKey: "any", httpOptions });
const session = await ai.live.connect({
  model: "gemini-3.8-live",
  config: { responseModalities: [Modality.AUDIO], outputAudioTranscription: {} },
  callbacks: {
    onmessage: ({ serverContent }) => {
      if (serverContent?.outputTranscription) console.log(serverContent.outputTranscription.text);
      if (serverContent?.turnComplete) session.close();
    },
  },
});
session.sendClientContent({ turns: "Hello!" });
