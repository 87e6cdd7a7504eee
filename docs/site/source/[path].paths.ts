import { createSourcePages } from '../pages.ts'

/** A page for each source that a document links to. */
export default { paths: createSourcePages }
