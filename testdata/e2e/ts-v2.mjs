// Drives the official TypeScript client, version 2, in the mode that the plan
// says: "legacy", "auto", or a protocol version that it must be.
import * as agent from './agent.mjs';

const { Client } = await agent.load('@modelcontextprotocol/client');
const { StdioClientTransport } = await agent.load('@modelcontextprotocol/client/stdio');

const { plan, command, args } = agent.words();
const mode = /^\d/.test(plan.mode) ? { pin: plan.mode } : plan.mode;
const client = new Client({ name: 'ts-v2', version: '1' }, { capabilities: agent.capabilities(plan), versionNegotiation: { mode } });
client.setRequestHandler('sampling/createMessage', agent.sample);
if (plan.elicit !== 'none') client.setRequestHandler('elicitation/create', r => agent.elicit(plan, r.params));
client.setRequestHandler('roots/list', agent.roots);
await client.connect(new StdioClientTransport({ command, args, env: process.env, stderr: 'inherit' }));
await agent.play(client, plan, () => ({ server: client.getServerVersion()?.name, protocol: client.getNegotiatedProtocolVersion() }));
