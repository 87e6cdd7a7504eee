import { EventSourceParserStream } from 'eventsource-parser/stream'

/** Characters of the longest event that is read. */
const maxBufferSize = 1_000_000

/**
 * A model behind an HTTP server that speaks OpenAI's chat completions: Ollama, llama.cpp, vLLM and others.
 *
 * @param {object} settings
 * @param {string} settings.MODEL_URL what stands before `/chat/completions`, such as `http://127.0.0.1:11434/v1`
 * @param {string} settings.MODEL_NAME the model's name there; may be empty
 * @param {string} settings.MODEL_API_KEY sent as a bearer token; may be empty
 */
export function openUrl ({ MODEL_URL: url, MODEL_NAME: name, MODEL_API_KEY: key }) {
  async function * answer (messages, { signal }) {
    const response = await fetch(`${url.replace(/\/+$/, '')}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
      body: JSON.stringify({ messages, stream: true, ...(name && { model: name }) }),
      signal
    }).catch((error) => {
      throw new Error(`MODEL_URL does not answer: ${error.cause?.message || error.cause?.code || error.message}`)
    })
    if (!response.ok) {
      throw new Error(`MODEL_URL answers ${response.status}: ${JSON.stringify((await response.text()).slice(0, 200))}`)
    }

    let finished = false
    for await (const { data } of eventsOf(response)) {
      if (data === '[DONE]') return
      const { choices, error } = parse(data)
      if (error !== undefined) throw new Error(`MODEL_URL says: ${JSON.stringify(error).slice(0, 200)}`)
      const { delta, finish_reason: reason } = choices?.[0] ?? {}
      finished ||= typeof reason === 'string'
      if (delta?.content) yield delta.content
    }
    if (!finished) throw new Error('MODEL_URL ended its answer early, or does not stream chat completions')
  }

  return { answer }
}

async function * eventsOf ({ body }) {
  try {
    yield * body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream({ maxBufferSize }))
  } catch (error) {
    throw new Error(`MODEL_URL broke off its answer: ${error.cause?.message || error.message}`)
  }
}

function parse (data) {
  try {
    return Object(JSON.parse(data))
  } catch {
    throw new Error(`MODEL_URL sent ${JSON.stringify(data.slice(0, 100))}; expected a chat completion chunk in JSON`)
  }
}
