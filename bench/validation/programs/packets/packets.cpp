// Packets of made-up layers, for measuring; nobody runs it. Its flaws are planted, each with a canary.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "canary.h"

namespace packets {

struct Span {
    const uint8_t *data;
    size_t size;
};

template <typename Number> Number peel(const Span &span, size_t at) {
    Number found = 0;
    if (at < span.size) {
        CANARY("packets/short", at + sizeof(Number) > span.size);
        std::memcpy(&found, span.data + at, sizeof(Number));
    }
    return found;
}

template <typename Number> class Layer {
public:
    explicit Layer(const Span &span) : copy_(new uint8_t[span.size]), span_{copy_.get(), span.size} {
        std::copy(span.data, span.data + span.size, copy_.get());
    }
    unsigned sum(size_t step) const {
        unsigned total = 0;
        for (size_t at = 0; at < span_.size; at += step)
            total += static_cast<unsigned>(peel<Number>(span_, at));
        return total;
    }

private:
    std::unique_ptr<uint8_t[]> copy_;
    Span span_;
};

class Router {
public:
    Router() : slots_(new unsigned[32]()) {}

    void hop(const Span &span) {
        unsigned from = span.data[0] & 31, count = span.data[1];
        CANARY("packets/hop", from + count > 32);
        mark(from, count);
    }

    void back(const Span &span) {
        int from = span.data[0] & 31, count = span.data[1];
        // Goes down from a place; nothing looks at where zero is.
        CANARY("packets/back", count > from + 1);
        for (int i = 0; i < count; i++)
            touch(from - i);
    }

    void drop(const Span &span) {
        auto found = routes_.find(span.data[0]);
        if (found == routes_.end()) {
            routes_[span.data[0]] = span.data[1];
            return;
        }
        routes_.erase(found);
        CANARY("packets/erased", span.data[1] == 'e');
        if (span.data[1] == 'e')
            total_ += cost(found);
    }

private:
    void mark(unsigned from, unsigned count) {
        for (unsigned i = 0; i < count; i++)
            touch(static_cast<int>(from + i));
    }
    void touch(int at) { count_up(slots_.get() + at); }
    static void count_up(unsigned *slot) { ++*slot; }
    static unsigned cost(std::map<unsigned, unsigned>::iterator found) { return found->second + 1; }

    std::unique_ptr<unsigned[]> slots_;
    std::map<unsigned, unsigned> routes_;
    unsigned total_ = 0;
};

class Reader {
public:
    void read(Span rest) {
        while (rest.size > 2) {
            unsigned kind = rest.data[0];
            size_t size = std::min<size_t>(rest.data[1], rest.size - 2);
            Span body{rest.data + 2, size};
            if (size >= 2)
                dispatch(kind, body);
            rest = {body.data + size, rest.size - 2 - size};
        }
    }

private:
    void dispatch(unsigned kind, const Span &body) {
        switch (kind) {
        case 2: total_ += Layer<uint16_t>(body).sum(2); break;
        case 4: total_ += Layer<uint32_t>(body).sum(4); break;
        case 8: total_ += Layer<uint64_t>(body).sum(8); break;
        case 'h': router_.hop(body); break;
        case 'b': router_.back(body); break;
        case 'd': router_.drop(body); break;
        case 'q': if (depth_ < 12) { depth_++; read(body); depth_--; } break;
        default: break;
        }
    }

    Router router_;
    unsigned total_ = 0, depth_ = 0;
};

}  // namespace packets

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    packets::Reader reader;
    reader.read({data, size});
    return 0;
}
