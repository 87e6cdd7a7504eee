// A model behind an HTTP server that speaks OpenAI's chat completions: Ollama, llama.cpp, vLLM and others.
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import { createParser } from 'eventsource-parser'

/** Characters of the longest event that is read. */
const maxBufferSize = 1_000_000

/** The reasons that a server gives for the end of an answer, in this program's words; `stop` is the usual end. */
const reasons = {
  length: 'length', content_filter: 'refusal', refusal: 'refusal', tool_calls: 'tools', function_call: 'tools'
}

/**
 * @param {object} settings
 * @param {string} settings.MODEL_URL what stands before `/chat/completions`, such as `http://127.0.0.1:11434/v1`; a
 * query stays behind it
 * @param {string} [settings.MODEL_NAME] the model's name there
 * @param {string} [settings.MODEL_API_KEY] sent as a bearer token
 * @param {string} [settings.MODEL_TEMPERATURE]
 * @param {string} [settings.MODEL_MAX_TOKENS]
 */
export function openUrl ({ MODEL_URL, MODEL_NAME, MODEL_API_KEY, MODEL_TEMPERATURE, MODEL_MAX_TOKENS }) {
  const url = new URL(MODEL_URL)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/chat/completions`
  const headers = {
    'content-type': 'application/json',
    accept: 'text/event-stream',
    ...(MODEL_API_KEY && { authorization: `Bearer ${MODEL_API_KEY}` })
  }
  const fixed = {
    stream: true,
    ...(MODEL_NAME && { model: MODEL_NAME }),
    ...(MODEL_TEMPERATURE && { temperature: Number(MODEL_TEMPERATURE) }),
    ...(MODEL_MAX_TOKENS && { max_tokens: Number(MODEL_MAX_TOKENS) })
  }

  async function * answer (messages, { signal }) {
    const response = await post(url, headers, JSON.stringify({ messages, ...fixed }), signal)
    try {
      if (response.statusCode !== 200) {
        const text = await readStart(response)
        throw new Error(`MODEL_URL answers ${response.statusCode}: ${JSON.stringify(text)}`)
      }
      yield * readAnswer(response)
    } finally {
      response.destroy() // the server stops when the connection is gone
    }
  }

  return { answer, name: MODEL_NAME || url.hostname }
}

/** Not `fetch`, which ends an answer whose server is silent for 300 seconds, whatever the settings say. */
async function post (url, headers, body, signal) {
  try {
    const request = (url.protocol === 'https:' ? https : http).request(url, { method: 'POST', headers, signal })
    request.end(body)
    const [response] = await once(request, 'response')
    return response
  } catch (error) {
    throw new Error(`MODEL_URL does not answer: ${error.message || error.code}`)
  }
}

/** The pieces of an answer, as the queue takes them. */
async function * readAnswer (response) {
  let finished = false
  for await (const { data } of eventsOf(response)) {
    if (data === '[DONE]') return
    const { choices, error } = parse(data)
    if (error) throw new Error(`MODEL_URL says: ${JSON.stringify(error).slice(0, 200)}`)
    const { delta, finish_reason: reason } = choices?.[0] ?? {}
    const { content, refusal, reasoning_content: thinking = delta?.reasoning, tool_calls: tools } = delta ?? {}
    if (thinking) yield { thinking }
    if (content || refusal) yield content || refusal
    if (refusal) yield { reason: 'refusal' }
    if (tools?.length) yield { reason: 'tools' }
    if (Object.hasOwn(reasons, reason ?? '')) yield { reason: reasons[reason] }
    finished ||= typeof reason === 'string'
  }
  if (!finished) throw new Error('MODEL_URL ended its answer early, or does not stream chat completions')
}

async function * eventsOf (response) {
  const events = []
  const onError = (error) => { if (error.type === 'max-buffer-size-exceeded') throw error }
  const parser = createParser({ onEvent: (event) => events.push(event), onError, maxBufferSize })
  try {
    for await (const text of response.setEncoding('utf8')) {
      parser.feed(text)
      yield * events.splice(0)
    }
  } catch (error) {
    throw new Error(`MODEL_URL broke off its answer: ${error.message}`)
  }
}

async function readStart (response) {
  let text = ''
  for await (const part of response.setEncoding('utf8')) {
    text += part
    if (text.length > 200) break
  }
  return text.slice(0, 200)
}

function parse (data) {
  try {
    return Object(JSON.parse(data))
  } catch {
    throw new Error(`MODEL_URL sent ${JSON.stringify(data.slice(0, 100))}; expected a chat completion chunk in JSON`)
  }
}
