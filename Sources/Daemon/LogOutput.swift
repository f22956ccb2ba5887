import Domain
import Glibc
public import Logging
import Store

/// One line an event on standard error: logfmt or JSON; under systemd with the priority in front (sd-daemon(3)).
public struct LogOutput: LogHandler {
    public enum Format: String, Sendable, CaseIterable { case logfmt, json }

    public var metadata: Logger.Metadata = [:]
    public var logLevel: Logger.Level
    let label: String
    let format: Format
    let isJournal: Bool

    public init(label: String, level: Logger.Level, format: Format, isJournal: Bool) {
        self.label = label
        logLevel = level
        self.format = format
        self.isJournal = isJournal
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
        var pairs: [(String, String)] = isJournal ? [] : [("time", "\(SystemTime().now())")]
        pairs += [("level", event.level.rawValue), ("from", label), ("msg", event.message.description)] + all
        let line =
            switch format {
            case .logfmt: pairs.map { "\($0)=\(Self.quoted($1))" }.joined(separator: " ")
            case .json: "{" + pairs.map { "\(Self.json($0)):\(Self.json($1))" }.joined(separator: ",") + "}"
            }
        let bytes = Array(((isJournal ? "<\(Self.priority(event.level))>" : "") + line + "\n").utf8)
        // One write a line, so that lines of several threads never mix.
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }

    static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    static func quoted(_ value: String) -> String {
        let isPlain =
            !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") && $0 != 0x7f }
        return isPlain ? value : json(value)
    }

    static func json(_ value: String) -> String {
        var out = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
