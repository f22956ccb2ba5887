import CGMime

/// A message as GMime took it apart. Not copyable, so it is freed exactly once; parts are valid as long as it lives.
struct MIMEMessage: ~Copyable {
    private let message: UnsafeMutablePointer<GMimeMessage>
    let root: MIMEPart?

    /// - Parameters:
    ///   - header: the raw `Content-*` lines, each with its line end.
    ///   - body: the bytes after the header.
    init?(header: [UInt8], body: ArraySlice<UInt8>) {
        Self.start()
        guard let array = g_byte_array_sized_new(guint(clamping: header.count + body.count + 1)) else { return nil }
        header.withUnsafeBufferPointer { if !$0.isEmpty { g_byte_array_append(array, $0.baseAddress, guint($0.count)) } }
        var lineEnd: UInt8 = ASCII.lf
        g_byte_array_append(array, &lineEnd, 1)
        body.withUnsafeBufferPointer { if !$0.isEmpty { g_byte_array_append(array, $0.baseAddress, guint($0.count)) } }
        guard let stream = g_mime_stream_mem_new_with_byte_array(array) else {
            g_byte_array_unref(array)
            return nil
        }
        defer { g_object_unref(stream) }
        guard let parser = g_mime_parser_new_with_stream(stream) else { return nil }
        defer { g_object_unref(parser) }
        guard let message = g_mime_parser_construct_message(parser, nil) else { return nil }
        self.message = message
        root = g_mime_message_get_mime_part(message).map { MIMEPart(raw: $0) }
    }

    deinit { g_object_unref(message) }

    /// GMime keeps global tables and must be initialised once.
    static func start() { _ = once }
    private static let once: Void = { g_mime_init() }()
}

/// One node of the MIME tree, borrowed from its `MIMEMessage`.
struct MIMEPart {
    fileprivate let raw: UnsafeMutablePointer<GMimeObject>

    var isMultipart: Bool { cgmime_is_multipart(raw) != 0 }
    var isMessage: Bool { cgmime_is_message(raw) != 0 }

    var childCount: Int { Int(max(0, cgmime_count(raw))) }
    func child(_ index: Int) -> MIMEPart? { cgmime_child(raw, Int32(index)).map { MIMEPart(raw: $0) } }

    /// What stands before the first boundary: everything, when the boundary is wrong.
    var prologue: [UInt8] {
        guard let text = cgmime_prologue(raw) else { return [] }
        return Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }

    /// The raw value of the first field of that name, folds included.
    func header(_ name: String) -> [UInt8]? {
        guard let list = g_mime_object_get_header_list(raw), let header = g_mime_header_list_get_header(list, name),
            let value = g_mime_header_get_raw_value(header)
        else { return nil }
        return Array(UnsafeRawBufferPointer(start: value, count: strlen(value)))
    }

    /// The content without its transfer encoding; unknown encodings come as they are.
    func decoded() -> [UInt8] {
        guard cgmime_is_part(raw) != 0, let content = cgmime_content(raw) else { return [] }
        if g_mime_data_wrapper_get_encoding(content) == GMIME_CONTENT_ENCODING_DEFAULT { repairEncoding(of: content) }
        if g_mime_data_wrapper_get_encoding(content) == GMIME_CONTENT_ENCODING_BASE64, let stream = g_mime_data_wrapper_get_stream(content)
        {
            g_mime_stream_reset(stream)  // GMime drops the last bytes when the padding is missing
            return Base64.decode(Self.collect { g_mime_stream_write_to_stream(stream, $0) }[...])
        }
        return Self.collect { g_mime_data_wrapper_write_to_stream(content, $0) }
    }

    /// `"base64"` and `(comment) quoted-printable` are not what GMime knows.
    private func repairEncoding(of content: UnsafeMutablePointer<GMimeDataWrapper>) {
        guard let value = header("Content-Transfer-Encoding")?.map(ASCII.lower) else { return }
        if ASCII.find("base64", in: value) != nil {
            g_mime_data_wrapper_set_encoding(content, GMIME_CONTENT_ENCODING_BASE64)
        } else if ASCII.find("quoted-printable", in: value) != nil {
            g_mime_data_wrapper_set_encoding(content, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE)
        }
    }

    /// An attached message's header and body as they stood in the mail.
    func messageBytes() -> [UInt8] {
        guard let inner = cgmime_message(raw) else { return [] }
        return Self.collect { g_mime_object_write_to_stream(inner, nil, $0) }
    }

    private static func collect(_ write: (UnsafeMutablePointer<GMimeStream>) -> gssize) -> [UInt8] {
        guard let stream = g_mime_stream_mem_new() else { return [] }
        defer { g_object_unref(stream) }
        _ = write(stream)
        guard let array = cgmime_bytes(stream), let data = array.pointee.data else { return [] }
        return Array(UnsafeBufferPointer(start: data, count: Int(array.pointee.len)))
    }
}
