/**
 * The conversations of one user, in the browser's localStorage, each under a key of its own, so that two tabs do not
 * overwrite one another's. Where the browser keeps nothing, they last as long as the page.
 *
 * A conversation is `{ id, title, time, exchanges }`. An exchange is a question with what came of it:
 * `{ question, answer, thinking, time, end, id, verdict }`; `end` is missing while the answer is under way.
 */
export class Conversations {
  #prefix
  #storage = openStorage()

  /** @param {string} prefix what the keys begin with: another one for each user and chatbot */
  constructor (prefix) {
    this.#prefix = prefix
  }

  create () {
    return { id: randomId(), title: '', time: Date.now(), exchanges: [] }
  }

  /** All, the last used first. */
  list () {
    const keys = Array.from({ length: this.#storage.length }, (_, index) => this.#storage.key(index))
    return keys.filter((key) => key.startsWith(this.#prefix))
      .map((key) => this.read(key.slice(this.#prefix.length)))
      .filter((conversation) => conversation !== undefined)
      .sort((one, other) => other.time - one.time)
  }

  /** Undefined where there is none, or something else under its key. */
  read (id) {
    try {
      const conversation = JSON.parse(this.#storage.getItem(this.#prefix + id))
      return Array.isArray(conversation?.exchanges) ? conversation : undefined
    } catch {
      return undefined
    }
  }

  /** @returns {boolean} false where there is no room for it */
  save (conversation) {
    try {
      this.#storage.setItem(this.#prefix + conversation.id, JSON.stringify(conversation))
      return true
    } catch {
      return false
    }
  }

  remove (id) {
    this.#storage.removeItem(this.#prefix + id)
  }
}

/** What the model is to know of a conversation: what is shown, by turns. A question without an answer says so there. */
export function historyOf (exchanges) {
  return exchanges.filter(({ answer }) => answer !== '').flatMap(({ question, answer }) => [question, answer])
}

/** The first line of the first question. */
export function titleOf (question) {
  const [line] = question.trim().split('\n')
  return line.length > 60 ? `${line.slice(0, 59)}…` : line
}

/** crypto.randomUUID is missing where a page comes over plain HTTP. */
function randomId () {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function openStorage () {
  try {
    localStorage.getItem('') // throws where the browser forbids it, as the name alone may
    return localStorage
  } catch {
    const kept = new Map()
    return {
      get length () { return kept.size },
      key: (index) => [...kept.keys()][index],
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => kept.set(key, value),
      removeItem: (key) => kept.delete(key)
    }
  }
}
