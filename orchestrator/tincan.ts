#!/usr/bin/env node
// The command line.
process.title = 'tincan';
