/** Runs a job, or joins the equal one that runs already. `isFirst` says that it was not there yet. */
export type SingleFlight<Result> =
  (key: string, job: () => Promise<Result>) => { result: Promise<Result>, isFirst: boolean }

/** Creates a function that runs a job once for all who ask for it, by the same key, while it runs. */
export function createSingleFlight<Result> (): SingleFlight<Result> {
  const underWay = new Map<string, Promise<Result>>()
  return (key, job) => {
    const running = underWay.get(key)
    if (running !== undefined) return { result: running, isFirst: false }
    const result = job().finally(() => underWay.delete(key))
    underWay.set(key, result)
    return { result, isFirst: true }
  }
}
