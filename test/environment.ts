import type { Test } from 'tap'

/**
 * Sets variables of the environment until the test ends; `undefined` takes one away. All QUICKSTART_* variables, in any
 * letters, and NODE_ENV that are not named are away as well, so that a test sees the same wherever it runs.
 */
export function setEnvironment (t: Test, variables: Record<string, string | undefined> = {}): void {
  const own = Object.keys(process.env).filter((name) => /^quickstart_/i.test(name) || name === 'NODE_ENV')
  const before = new Map([...own, ...Object.keys(variables)].map((name) => [name, process.env[name]]))
  for (const name of own) delete process.env[name]
  assign(Object.entries(variables))
  t.teardown(() => assign(before))
}

function assign (variables: Iterable<[string, string | undefined]>): void {
  for (const [name, value] of variables) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
}
