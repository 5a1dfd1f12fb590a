// Just enough of an API document to see the reader at /docs work without the server.
const json = (schema) => ({ 'application/json': { schema } });

export const openapi = {
  openapi: '3.1.0',
  info: { title: 'RiderHub (mock)', version: '0.0.0', description: 'A sample document of the mock server. The real one comes from the running binary.' },
  components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
  paths: {
    '/v1/sessions': {
      post: {
        tags: ['sessions'],
        summary: 'Sign in with a role',
        requestBody: { required: true, content: json({ type: 'object', required: ['login', 'password', 'role'], properties: { login: { type: 'string' }, password: { type: 'string' }, role: { type: 'string', enum: ['customer', 'merchant', 'rider', 'operator'] } } }) },
        responses: { 200: { description: 'A session', content: json({ type: 'object', properties: { access_token: { type: 'string' }, profile: { type: 'string' } } }) }, 401: { description: 'Wrong login or password' } },
      },
    },
    '/v1/regions': { get: { tags: ['operations'], summary: 'Regions with stores', responses: { 200: { description: 'All regions', content: json({ type: 'array', items: { type: 'object', properties: { region: { type: 'string' }, lat: { type: 'number' }, lng: { type: 'number' }, stores: { type: 'integer' } } } }) } } } },
  },
};
