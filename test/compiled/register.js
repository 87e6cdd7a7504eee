// Lets Node run the TypeScript sources, in tests and in the processes that they start. They are compiled one by one,
// without their types, and kept in a cache: a process of its own for each test file would load the compiler each time.
import module from 'node:module'
import { load } from './hooks.js'

// Node's synchronous hooks and tap's asynchronous ones wait for each other. Tap has synchronous ones from here on too.
const isSynchronous = process.versions.node.localeCompare('24.13.1', 'en', { numeric: true }) >= 0

if (isSynchronous) module.registerHooks({ load })
else module.register('./hooks.js', import.meta.url)
