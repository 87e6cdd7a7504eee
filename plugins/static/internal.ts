/** What the app needs of static beyond its public interface. The package does not export it. */
export { bytesInMemory } from './asset.ts'
