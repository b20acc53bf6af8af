// Its own handles in every way that libuv has for them, a child with a channel, and one that holds them for an hour.
const fs = require('fs'), net = require('net'), { fork, spawn } = require('child_process');
if (process.argv[2] === 'child') {
  process.on('message', text => { process.send(`${text} back`); process.disconnect(); });
} else if (process.argv[2] === 'holder') {
  setTimeout(() => {}, 3600000);
} else {
  fs.writeSync(1, 'by number\n');
  const input = new net.Socket({ fd: 0 });          // uv_pipe_open, as pnpm does it
  const output = new net.Socket({ fd: 1, readable: false });
  let size = 0;
  input.on('data', data => { size += data.length; });
  input.on('end', () => {
    output.write(`read ${size}\n`, () => {
      const child = fork(__filename, ['child']);
      child.on('message', text => console.log(text));
      child.on('exit', code => {
        console.log(code);
        spawn(process.execPath, [__filename, 'holder'], { stdio: 'inherit', detached: true }).unref();
        process.stderr.write('e'.repeat(300000), () => process.stdout.write(`${'o'.repeat(300000)}\nend\n`,
          () => process.exit(7)));
      });
      child.send('there and');
    });
  });
}
