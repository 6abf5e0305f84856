// Thread: worker
/** What the peer's SETTINGS say (RFC 9113 §6.5), and what holds until they do. Settings unknown to us are ignored. */
import {
  errorCodes,
  frameBytesDefault,
  frameBytesMax,
  headerTableBytesDefault,
  readUint32,
  settingIds,
  windowBytesDefault,
  windowBytesMax,
} from './frames.ts';

const settingBytes = 6;

export class PeerSettings {
  headerTableBytes: number = headerTableBytesDefault;
  streamsMax: number = Number.POSITIVE_INFINITY;
  windowBytes: number = windowBytesDefault;
  frameBytes: number = frameBytesDefault;
  headerListBytes: number = Number.POSITIVE_INFINITY;

  /** `NO_ERROR`, or the code with which the connection must end. */
  read(bytes: Uint8Array, at: number, length: number): number {
    if (length % settingBytes !== 0) return errorCodes.frameSizeError;
    for (let from = at; from < at + length; from += settingBytes) {
      const code = this.#take(((bytes[from] ?? 0) << 8) | (bytes[from + 1] ?? 0), readUint32(bytes, from + 2));
      if (code !== errorCodes.noError) return code;
    }
    return errorCodes.noError;
  }

  #take(id: number, value: number): number {
    switch (id) {
      case settingIds.headerTableSize:
        this.headerTableBytes = value;
        break;
      case settingIds.enablePush:
        // A server may only say 0 (§6.5.2).
        if (value !== 0) return errorCodes.protocolError;
        break;
      case settingIds.maxConcurrentStreams:
        this.streamsMax = value;
        break;
      case settingIds.initialWindowSize:
        if (value > windowBytesMax) return errorCodes.flowControlError;
        this.windowBytes = value;
        break;
      case settingIds.maxFrameSize:
        if (value < frameBytesDefault || value > frameBytesMax) return errorCodes.protocolError;
        this.frameBytes = value;
        break;
      case settingIds.maxHeaderListSize:
        this.headerListBytes = value;
        break;
      default:
    }
    return errorCodes.noError;
  }
}
