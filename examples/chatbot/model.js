import { setTimeout as wait } from 'node:timers/promises'

/** The name of the model below on the page, and its description there. */
export const name = 'ELIZA'
export const about = 'You talk to a small imitation of ELIZA, a program of 1966: it turns your words around with a ' +
  'dozen rules and understands none of them. Your own model goes into model.js.'

/**
 * Answers the last of the messages. Put your model here: yield text, piece by piece, and `{ thinking: text }` for what
 * it thinks before. It runs in a thread of its own: see model-thread.js.
 *
 * @param {{ role: 'system' | 'user' | 'assistant', content: string }[]} messages the conversation, the question last
 * @param {object} context
 * @param {AbortSignal} context.signal fires when nobody waits for the answer any more: stop then
 * @param {string} context.user who asks
 */
export async function * answer (messages, { signal, user }) {
  const { content } = messages.at(-1)
  const reply = replyTo(content, messages.length).replaceAll('NAME', user)
  for (const word of reply.split(/(?<=\s)/)) {
    yield word
    await wait(25, undefined, { signal })
  }
}

/** A pattern, and answers to take in turn; $1 is what the pattern's group matched, turned around. */
const rules = [
  [/\b(?:hello|hi|good (?:morning|evening|day))\b/i, ['Hello, NAME. What is on your mind?']],
  [/\b(?:who|what) are you\b|\bare you (?:an? )?(?:bot|human|machine|model|person|program|real)\b/i, [
    'I am a handful of rules that look for words in what you write. I understand nothing.']],
  [/\bcode\b/i, ['The rule that answered you is written like this:\n```js\n' +
    "[/\\bcode\\b/i, ['The rule that answered you …']]\n```\nYou find it in model.js."]],
  [/\bi need (.+)/i, ['Why do you need $1?', 'What would change if you had $1?']],
  [/\bi (?:want|would like) (.+)/i, ['What would it mean to you to have $1?', 'Why do you want $1?']],
  [/\bi (?:am|'m) (.+)/i, ['How long have you been $1?', 'How do you feel about being $1?']],
  [/\bi feel (.+)/i, ['Do you often feel $1?', 'When do you feel $1?']],
  [/\bmy (mother|father|sister|brother|wife|husband|friend|boss)\b/i, ['Tell me more about your $1.']],
  [/\bmy (.+)/i, ['Your $1? Go on.', 'What about your $1 matters most to you?']],
  [/\b(?:always|never|everybody|nobody)\b/i, ['Can you think of an exception?']],
  [/\b(?:computer|model|machine|program)\b/i, ['Do machines worry you?', 'What have machines to do with it?']],
  [/\?\s*$/, ['Why do you ask?', 'What answer would please you most?', 'What do you think?']]
]

const anythingElse = ['Please go on.', 'Tell me more about that.', 'How do you feel about it?', 'What follows from it?']

/** "my" to somebody is "your" from here. */
const turned = {
  i: 'you', me: 'you', my: 'your', mine: 'yours', myself: 'yourself', am: 'are', you: 'I', your: 'my', yours: 'mine'
}

function replyTo (text, turn) {
  for (const [pattern, replies] of rules) {
    const match = pattern.exec(text)
    if (match === null) continue
    const [, rest = ''] = match
    return pick(replies, turn).replace('$1', () => turnAround(rest.replace(/[.!?]+$/, '')))
  }
  return pick(anythingElse, turn)
}

function turnAround (text) {
  return text.replace(/\b\w+\b/g, (word) => turned[word.toLowerCase()] ?? word)
}

function pick (replies, turn) {
  return replies[(turn >> 1) % replies.length]
}
