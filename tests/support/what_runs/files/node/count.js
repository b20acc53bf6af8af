// Reads its input to the end, starts itself three times with other handles, and ends with 6.
const { execFileSync, spawnSync, execSync } = require('child_process');
if (process.argv[2]) {
  console.log(process.argv[2]);
  process.exit(9);
}
let size = 0;
process.stdin.on('data', data => { size += data.length; }).on('end', () => {
  console.log(`read ${size}`);
  console.log(execSync('echo from cmd').toString().trim());
  console.log(spawnSync(process.execPath, [__filename, 'inherits'], { stdio: 'inherit' }).status);
  console.log(execFileSync(process.execPath, ['-p', '6 * 7']).toString().trim());
  process.exitCode = 6;
});
