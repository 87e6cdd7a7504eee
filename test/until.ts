import { setTimeout } from 'node:timers/promises'

/** Waits for something, a minute at most: on a busy machine no fixed time is long enough. */
export async function until (happens: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!await happens()) {
    if (performance.now() > deadline) throw new Error(`${what} did not happen`)
    await setTimeout(20)
  }
}
