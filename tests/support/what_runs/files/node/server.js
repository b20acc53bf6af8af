const server = require('http').createServer((_, answer) => answer.end(`hello from ${process.platform}`));
for (const name of ['SIGHUP', 'SIGTERM', 'SIGINT']) process.on(name, () => { console.log('asked'); process.exit(0); });
server.listen(8080, () => console.log('up'));
