import { EventEmitter } from 'node:events'

/** What the throttle uses of an ioredis client, in memory. It can be made to fail, to hang, or to be away. */
export class FakeRedis extends EventEmitter {
  static last: FakeRedis
  status = 'ready'
  mood: 'fine' | 'fails' | 'hangs' = 'fine'
  readonly values: Map<string, { value: number, expires: number }>
  disconnected = false

  constructor (url?: string, options?: unknown, values = new Map<string, { value: number, expires: number }>()) {
    super()
    this.values = values
    FakeRedis.last = this
    setImmediate(() => this.emit(this.status === 'ready' ? 'ready' : 'close'))
  }

  defineCommand (): void {}

  async rlflxIncr ([key, points, seconds]: [string, string, string]): Promise<[number, number]> {
    await this.#answer()
    let entry = this.values.get(key)
    if (entry === undefined || entry.expires <= Date.now()) {
      entry = { value: 0, expires: Date.now() + Number(seconds) * 1000 }
      this.values.set(key, entry)
    }
    entry.value += Number(points)
    return [entry.value, entry.expires - Date.now()]
  }

  multi (): object {
    let set: [key: string, value: number, ex: string, seconds: number]
    const multi = {
      set: (...args: typeof set) => {
        set = args
        return multi
      },
      pttl: () => multi,
      exec: async () => {
        await this.#answer()
        const [key, value,, seconds] = set
        this.values.set(key, { value, expires: Date.now() + seconds * 1000 })
        return [[null, 'OK'], [null, seconds * 1000]]
      }
    }
    return multi
  }

  async del (key: string): Promise<number> {
    await this.#answer()
    return this.values.delete(key) ? 1 : 0
  }

  disconnect (): void {
    this.disconnected = true
    this.emit('close')
  }

  async #answer (): Promise<void> {
    if (this.mood === 'fails') throw new Error('READONLY')
    if (this.mood === 'hangs') await new Promise(() => {})
  }
}
