public import Channels
import Domain
import Formats
import Glibc
public import Store

/// Brings a table of orders or customers into the spool, in batches, each with how far it got: an interrupted import goes on where it
/// stopped. A record that cannot be read is set aside in a file with its line and the reason, and the others are taken. Doing it again
/// stores nothing twice. What comes this way counts, and starts no journey.
public struct RecordImport: Sendable {
    static let batchMax = 250
    static let troublesMax = 20
    /// Of one order in rows.
    static let rowsMax = 2000

    public struct Progress: Sendable {
        public var records = 0
        public var taken = 0
        public var new = 0
        public var rejected = 0
        /// Records passed over because an interrupted import had them.
        public var skipped = 0
        /// The first ones: line and reason.
        public var troubles: [String] = []
        /// The first ones, as they would be stored; of a rehearsal only.
        public var shown: [String] = []
    }

    /// Nil to rehearse.
    private let store: Store?
    private let account: String
    private let mapping: TableMapping
    /// Where what cannot be read goes; nil when nothing is written.
    private let rejects: String?
    /// Tells this file and mapping from any other.
    private let fingerprint: String

    public init(store: Store?, account: String, mapping: TableMapping, rejects: String?, fingerprint: String) {
        self.store = store
        self.account = account
        self.mapping = mapping
        self.rejects = rejects
        self.fingerprint = fingerprint
    }

    private struct Run {
        var progress = Progress()
        var items: [RawItem] = []
        var bad: [(line: Int, reason: String, records: [JSONValue])] = []
        var rows: [RecordTable.Record] = []
        var ids: Set<Int> = []
        var file: RejectFile?
    }

    /// - Parameter tell: called after each batch.
    /// - Throws: the store's trouble, and what ends the reading of a table.
    public func run(_ table: RecordTable, tell: (Progress) -> Void) async throws -> Progress {
        let stream = "import/\(mapping.product.rawValue)/\(fingerprint)"
        var run = Run()
        var begin = Place()
        if let store { begin = Place(try await store.read { [account] in try $0.accounts.cursor(account, stream) }) }
        if let rejects, store != nil {
            run.file = try RejectFile(rejects, keep: begin.rejectBytes, isCSV: table.isCSV, columns: table.columns)
        }
        run.progress.rejected = begin.rejected
        while let records = try table.read() {
            for record in records {
                run.progress.records += 1
                if run.progress.records <= begin.records {
                    run.progress.skipped += 1
                    continue
                }
                if isNext(record, run) {
                    take(&run)
                    if run.items.count + run.bad.count >= Self.batchMax { try await save(&run, before: 1, stream, tell) }
                }
                run.rows.append(record)
            }
        }
        take(&run)
        try await save(&run, before: 0, stream, tell)
        if let store { try await store.write { [account] in try $0.accounts.setCursor(account, stream, "done") } }
        return run.progress
    }

    /// Whether a record begins an order of its own, or goes on with the rows before it.
    private func isNext(_ record: RecordTable.Record, _ run: Run) -> Bool {
        guard let last = run.rows.last else { return false }
        guard isGrouped, run.rows.count < Self.rowsMax, let column = mapping.column("external_id"),
            let id = (try? record.value.get()).flatMap({ TableMapping.text(column, in: $0) })
        else { return true }
        return (try? last.value.get()).flatMap { TableMapping.text(column, in: $0) } != id
    }

    private var isGrouped: Bool { mapping.product == .order && mapping.list == nil }

    /// Makes one record of the rows that wait.
    private func take(_ run: inout Run) {
        guard let first = run.rows.first else { return }
        let records = run.rows.compactMap { try? $0.value.get() }
        defer { run.rows = [] }
        do throws(RecordError) {
            if case .failure(let error) = first.value { throw error }
            let item = try mapping.item(records)
            guard let id = TableMapping.text("external_id", in: item) else {
                throw RecordError(member: "external_id", problem: "is missing")
            }
            // A later row of an order whose others stood above would take the place of the whole order.
            guard !isGrouped || run.ids.insert(id.hashValue).inserted else {
                throw RecordError(
                    member: id, problem: "stands above already, with other rows between; sort the table by the order's number")
            }
            let bytes = Array(item.json.utf8)
            try check(bytes)
            run.items.append(raw(id, bytes))
            if store == nil, run.progress.shown.count < 3 { run.progress.shown.append(item.json) }
        } catch {
            run.bad.append((first.line, error.description, records))
            if run.progress.troubles.count < Self.troublesMax { run.progress.troubles.append("line \(first.line): \(error)") }
        }
    }

    /// As the digest will read it.
    private func check(_ bytes: [UInt8]) throws(RecordError) {
        let late = Timestamp(microseconds: .max)
        switch mapping.product {
        case .order: _ = try ChannelOrderMapping.order(bytes, account: account, receivedAt: late, revision: 0)
        case .customer: _ = try ChannelOrderMapping.customer(bytes, account: account, receivedAt: late, revision: 0)
        case .interaction: break
        }
    }

    private func raw(_ id: String, _ bytes: [UInt8]) -> RawItem {
        RawItem(
            externalID: "import/\(mapping.product.rawValue)/\(id)#\(sha256(bytes).prefix(32))", kind: .post, bytes: bytes,
            meta: [
                MetaKey.format: ChannelItem.format, MetaKey.channel: "import", MetaKey.product: mapping.product.rawValue,
                MetaKey.imported: "1",
            ])
    }

    /// The file with what was set aside is on the disk before the place behind it is stored.
    private func save(_ run: inout Run, before: Int, _ stream: String, _ tell: (Progress) -> Void) async throws {
        try Task.checkCancellation()
        for bad in run.bad { run.file?.add(line: bad.line, reason: bad.reason, bad.records) }
        run.progress.taken += run.items.count
        run.progress.rejected += run.bad.count
        if let store {
            let place = Place(
                records: run.progress.records - before, rejected: run.progress.rejected, rejectBytes: try run.file?.flush() ?? 0)
            let (account, items) = (account, run.items)
            run.progress.new += try await store.write { transaction in
                try transaction.accounts.setCursor(account, stream, place.text)
                return try transaction.spool.add(account, items)
            }
        }
        run.items = []
        run.bad = []
        tell(run.progress)
    }
}

/// How far an import got: `1200 3 512`.
private struct Place {
    var records = 0
    var rejected = 0
    var rejectBytes = 0

    init(records: Int = 0, rejected: Int = 0, rejectBytes: Int = 0) {
        (self.records, self.rejected, self.rejectBytes) = (records, rejected, rejectBytes)
    }

    init(_ text: String?) {
        let parts = (text ?? "").split(separator: " ").compactMap { Int($0) }
        if parts.count == 3 { (records, rejected, rejectBytes) = (parts[0], parts[1], parts[2]) }
    }

    var text: String { "\(records) \(rejected) \(rejectBytes)" }
}

/// What could not be read, to be mended and brought in again: the rows of a CSV with two columns more, or JSON lines.
private final class RejectFile {
    private let path: String
    private let isCSV: Bool
    private let columns: [String]
    private var size: Int
    private var waiting: [UInt8] = []

    /// - Parameter keep: bytes that an interrupted import had written.
    init(_ path: String, keep: Int, isCSV: Bool, columns: [String]) throws {
        (self.path, self.isCSV, self.columns) = (path, isCSV, columns)
        size = keep
        if keep > 0, truncate(path, off_t(keep)) != 0 { size = 0 }
    }

    func add(line: Int, reason: String, _ records: [JSONValue]) {
        for record in records.isEmpty ? [.object([])] : records {
            if isCSV {
                if size == 0, waiting.isEmpty { waiting += row(columns + ["line", "reason"]) }
                waiting += row(columns.map { record[$0]?.plain ?? "" } + ["\(line)", reason])
            } else {
                waiting +=
                    JSONValue.object([.init("line", .number("\(line)")), .init("reason", .string(reason)), .init("record", record)]).json
                    .utf8
                waiting.append(0x0A)
            }
        }
    }

    /// - Returns: how long the file is on the disk.
    func flush() throws -> Int {
        guard !waiting.isEmpty else { return size }
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (size == 0 ? O_TRUNC : O_APPEND), 0o600)
        guard file >= 0 else { throw RecordError(member: path, problem: "cannot be written: \(String(cString: strerror(errno)))") }
        defer { close(file) }
        var from = 0
        while from < waiting.count {
            let count = waiting[from...].withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
            guard count > 0 else { throw RecordError(member: path, problem: "cannot be written: \(String(cString: strerror(errno)))") }
            from += count
        }
        guard fsync(file) == 0 else { throw RecordError(member: path, problem: "cannot be written: \(String(cString: strerror(errno)))") }
        size += waiting.count
        waiting = []
        return size
    }

    private func row(_ values: [String]) -> [UInt8] {
        let quoted = values.map { value in
            value.contains { $0 == "," || $0 == "\"" || $0 == ";" || $0.isNewline }
                ? "\"" + value.replacing("\"", with: "\"\"") + "\"" : value
        }
        return Array((quoted.joined(separator: ",") + "\r\n").utf8)
    }
}
