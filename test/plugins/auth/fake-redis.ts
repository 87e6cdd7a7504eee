import { EventEmitter } from 'node:events'

/** The parts of an ioredis client that the throttle uses, in memory. It can be made to fail, to hang, or to be away. */
export class FakeRedis extends EventEmitter {
  static last: FakeRedis
  status = 'ready'
  mood: 'fine' | 'fails' | 'hangs' = 'fine'
  readonly values: Map<string, { value: number, expires: number }>
  disconnected = false
  connects = 0

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
    type SetArguments = [key: string, value: number, ex: string, seconds: number]
    let set: SetArguments | undefined
    let got: string
    const multi = {
      set: (...args: SetArguments) => {
        set = args
        return multi
      },
      get: (key: string) => {
        got = key
        return multi
      },
      pttl: () => multi,
      exec: async () => {
        await this.#answer()
        if (set === undefined) {
          const entry = this.values.get(got)
          const left = entry === undefined ? 0 : entry.expires - Date.now()
          return left > 0 ? [[null, String(entry!.value)], [null, left]] : [[null, null], [null, -2]]
        }
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

  async connect (): Promise<void> {
    this.connects++
    this.status = 'ready'
    this.emit('ready')
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
