/** Makes a function that runs a job once for all who ask for it, by the same key, while it runs. */
export function singleFlight<Result> (): (key: string, job: () => Promise<Result>) => Promise<Result> {
  const underWay = new Map<string, Promise<Result>>()
  return async (key, job) => {
    let result = underWay.get(key)
    if (result === undefined) {
      result = job().finally(() => underWay.delete(key))
      underWay.set(key, result)
    }
    return await result
  }
}
