import type { FastifyReply } from 'fastify'

/** Where a context keeps what its `reply.render` does: for the contexts inside it, and for a reply that is of no context. */
export const sendView = Symbol('fastify-quickstart/templates')

/**
 * Renders a view and sends it. What fails goes to `onFailure`; by default to the host's error handler, and the developer's
 * own browser is shown where a template fails.
 */
export type SendView = (reply: FastifyReply, view: string, data: object | undefined, onFailure?: OnFailure) => FastifyReply

/** Answers in the place of a view. */
export type OnFailure = (error: unknown) => void
