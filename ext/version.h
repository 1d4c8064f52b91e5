#ifndef EXT_VERSION_H
#define EXT_VERSION_H

#define LSTM_VERSION "0.1.0" /* semver.org; what lstm_version() says */

#endif
