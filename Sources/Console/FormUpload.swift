import Domain
import Formats
import HTTPTypes
import Hummingbird
import NIOCore
import Store

/// What a described form sent: texts in memory, files on their way to the blobs while they come.
struct FormUpload {
    var fields = Fields()
    var files: [ReceivedFile] = []

    private let page: FormPage
    private let form: PublicForm
    private let blobs: BlobStore
    private var textBytes = 0
    private var text: (name: String, bytes: [UInt8])?
    private var file: ReceivedFile?
    private var fileMax = 0
    private var beginning: [UInt8] = []
    private var writer: BlobWriter?

    private init(_ page: FormPage, _ form: PublicForm, _ blobs: BlobStore) {
        self.page = page
        self.form = form
        self.blobs = blobs
    }

    /// - Throws: `Refusal` 413 when it is too big, 415 for another content type, 400 when it cannot be read or breaks off.
    static func read(_ request: Request, _ page: FormPage, _ form: PublicForm, _ blobs: BlobStore) async throws -> FormUpload {
        let contentType = request.headers[.contentType] ?? "application/x-www-form-urlencoded"
        var upload = FormUpload(page, form, blobs)
        guard (contentType.split(separator: ";").first ?? "").trimmed.lowercased() == "multipart/form-data" else {
            upload.fields = try await Fields.read(request, sizeBytesMax: form.sizeBytesMax)
            return upload
        }
        let max = form.sizeBytesMax + page.filesBytesMax + (64 << 10)
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > max { throw Refusal(.contentTooLarge, "413") }
        do {
            var reader = try FormMultipart(boundary: Fields.parameter("boundary", of: contentType) ?? "")
            var count = 0
            for try await buffer in request.body {
                count += buffer.readableBytes
                guard count <= max else { throw Refusal(.contentTooLarge, "413") }
                for event in try reader.feed(Array(buffer: buffer)) { try await upload.take(event) }
            }
            try reader.finish()
        } catch let mistake as FormMultipart.Mistake {
            await upload.writer?.abandon()
            throw mistake == .tooLong ? Refusal(.contentTooLarge, "413") : Refusal(.badRequest, "400")
        } catch {
            await upload.writer?.abandon()
            throw error
        }
        return upload
    }

    private mutating func take(_ event: FormMultipart.Event) async throws {
        switch event {
        case .part(let head): try await begin(head)
        case .bytes(let bytes):
            if text != nil {
                textBytes += bytes.count
                guard textBytes <= form.sizeBytesMax else { throw Refusal(.contentTooLarge, "413") }
                text?.bytes += bytes
            } else if file != nil {
                try await add(bytes)
            }
        case .end: try await end()
        }
    }

    private mutating func begin(_ head: FormMultipart.Head) async throws {
        guard fields.pairs.count + files.count < Fields.countMax, head.name.utf8.count <= Fields.nameBytesMax else {
            throw Refusal(.contentTooLarge, "413")
        }
        guard let name = head.fileName else {
            text = (head.name, [])
            return
        }
        // Robots fill the trap, which stands before the files: nothing of theirs is written to the disk.
        let isRobot = fields[form.honeypot].map { !$0.isEmpty } ?? false
        guard !isRobot, let field = page[head.name], field.isFile else { return }
        guard files.count(where: { $0.field == field.name }) <= field.countMax else { return }
        let type = head.type ?? ""
        let named = name.isEmpty ? "file" : String(name.prefix(200))
        file = ReceivedFile(
            field: field.name, name: named, type: type.isEmpty || type == "application/octet-stream" ? MediaTypes.of(fileName: named) : type
        )
        fileMax = field.sizeBytesMax
        beginning = []
    }

    private mutating func add(_ bytes: [UInt8]) async throws {
        guard var current = file, current.trouble == nil else { return }
        current.sizeBytes += bytes.count
        if current.sizeBytes > fileMax {
            await writer?.abandon()
            writer = nil
            current.trouble = .size
        } else {
            if beginning.count < MagicType.prefixBytes { beginning += bytes.prefix(MagicType.prefixBytes - beginning.count) }
            if writer == nil { writer = try await blobs.writer() }
            try await writer?.write(bytes)
        }
        file = current
    }

    private mutating func end() async throws {
        if let text {
            fields.pairs.append(.init(name: text.name, value: String(decoding: text.bytes, as: UTF8.self)))
            self.text = nil
        }
        guard var current = file else { return }
        file = nil
        defer { writer = nil }
        guard current.sizeBytes > 0 else { return }  // a box that was left empty
        if current.trouble == nil, let field = page[current.field], !Self.accepts(field, current, beginning) {
            await writer?.abandon()
            current.trouble = .type
        }
        if current.trouble == nil, let writer { current.hash = try await writer.finish().hash }
        files.append(current)
    }

    /// What the name and the browser say must be wanted, and what the first bytes say too.
    static func accepts(_ field: FormPage.Field, _ file: ReceivedFile, _ beginning: [UInt8]) -> Bool {
        guard !field.accept.isEmpty else { return true }
        let name = file.name.lowercased()
        func wanted(_ type: String) -> Bool {
            field.accept.contains { $0.hasSuffix("/*") ? type.hasPrefix($0.dropLast()) : $0 == type }
        }
        let isNamed = field.accept.contains { $0.hasPrefix(".") && name.hasSuffix($0) }
        guard isNamed || wanted(file.type) else { return false }
        guard let real = MagicType.detect(beginning) else { return true }
        if wanted(real) || real == file.type || real == MediaTypes.of(fileName: name) { return true }
        // An archive inside a wanted ending (.docx, .pages) is what it should be; a program never is.
        return isNamed && (real == "application/zip" || real.hasPrefix("text/") || real == "application/x-ole-storage")
    }
}
