/** For the app alone: the package does not export it. */
export { bytesInMemory } from './asset.ts'
