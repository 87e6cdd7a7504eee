// Node before 22.18 does not read TypeScript: its sources are compiled here one by one, without their types, in tests
// and in the processes that they start. This folder goes when Node 20 is no longer supported.
import module from 'node:module'

if (!process.features.typescript) module.register('./hooks.js', import.meta.url)
