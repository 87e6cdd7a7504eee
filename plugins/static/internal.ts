/** For the app alone: the package does not export it. */
export { countBytesInMemory } from './asset.ts'
