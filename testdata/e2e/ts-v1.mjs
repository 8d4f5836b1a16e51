// Drives the official TypeScript client, version 1.
import * as agent from './agent.mjs';

const { Client } = await agent.load('mcp-sdk-v1/client/index.js');
const { StdioClientTransport } = await agent.load('mcp-sdk-v1/client/stdio.js');
const { CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema } = await agent.load('mcp-sdk-v1/types.js');

const { plan, command, args } = agent.words();
const client = new Client({ name: 'ts-v1', version: '1' }, { capabilities: agent.capabilities(plan) });
client.setRequestHandler(CreateMessageRequestSchema, agent.sample);
if (plan.elicit !== 'none') client.setRequestHandler(ElicitRequestSchema, r => agent.elicit(plan, r.params));
client.setRequestHandler(ListRootsRequestSchema, agent.roots);
await client.connect(new StdioClientTransport({ command, args, env: process.env, stderr: 'inherit' }));
await agent.play(client, plan, () => ({ server: client.getServerVersion()?.name }));
