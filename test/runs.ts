/** How many cases a property is tried with: 2,000, or what TEST_RUNS says. .ci/run asks for 10,000. */
export const runs = Number(process.env.TEST_RUNS ?? 2000)
