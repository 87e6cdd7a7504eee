/** One thing that is wrong with a request: where, which name, what it must be. Never what the client sent. */
export interface Issue {
  /** The part of the request. */
  in: 'params' | 'query' | 'body' | 'headers'
  /**
   * The parameter's name in the route's schema; `address.zip` and `tags.0` for one within another. `'*'` stands for a
   * name that the schema does not have, and for all of them together.
   */
  name: string
  /** Completes "must be …". */
  expected: string
  /** A sentence for the person who filled in the form, such as `Please enter a whole number from 1 to 10`. */
  message: string
}
