export default async function openai (app) {}
