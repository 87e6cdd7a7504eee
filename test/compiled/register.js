// Lets a process that a test starts run the TypeScript sources. It runs what tap's own loader makes of them, so that
// the coverage of both adds up, but takes it from a cache: the compiler needs two seconds to load.
import { register } from 'node:module'

register('./hooks.js', import.meta.url)
