// Shapes from bytes, made up for measuring; nobody runs it. Its flaws are planted, each with a canary.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "canary.h"

namespace shapes {

class Input {
public:
    Input(const uint8_t *data, size_t size) : data_(data), size_(size) {}
    bool more() const { return at_ < size_; }
    unsigned take() { return more() ? data_[at_++] : 0; }

private:
    const uint8_t *data_;
    size_t size_, at_ = 0;
};

struct Shape {
    explicit Shape(char made) : kind(made) {}
    virtual ~Shape() = default;
    virtual unsigned area() const = 0;
    char kind;
};

struct Square final : Shape {
    explicit Square(unsigned side) : Shape('s'), side_(side) {}
    unsigned area() const override { return side_ * side_; }
    unsigned side_;
};

struct Polygon final : Shape {
    explicit Polygon(unsigned corners) : Shape('p') { for (unsigned i = 0; i < 12; i++) corners_[i] = corners + i; }
    unsigned area() const override { return corners_[0] + corners_[11]; }
    unsigned corners_[12];
};

class Scene {
public:
    void add(Input &in) {
        unsigned size = in.take();
        if (size & 1)
            shapes_.push_back(std::make_unique<Polygon>(size));
        else
            shapes_.push_back(std::make_unique<Square>(size));
    }

    void corner(Input &in) {
        if (shapes_.empty())
            return;
        const Shape &shape = *shapes_[in.take() % shapes_.size()];
        CANARY("shapes/cast", shape.kind != 'p');
        total_ += last_corner(static_cast<const Polygon &>(shape));
    }

    void area(Input &in) {
        unsigned which = in.take();
        total_ += weigh(which) + (shapes_.empty() ? 0 : shapes_.back()->area());
    }

    void scale(Input &in) {
        unsigned which = in.take();
        rescale(which);
    }

    void name(Input &in) {
        std::string made(24 + in.take() % 8, 'n');
        label_ = made;
        stale_ = true;
        if (in.take() != 'x') {
            kept_ = made;
            label_ = kept_;
            stale_ = false;
        }
    }

    void show() {
        CANARY("shapes/label", stale_);
        for (char letter : label_)
            total_ += static_cast<unsigned char>(letter);
    }

    void compare() {
        CANARY("shapes/label", stale_);
        total_ += first_of(label_, 'm');
    }

    void group(Input &in) {
        unsigned wanted = in.take();
        CANARY("shapes/throw", wanted > shapes_.size());
        if (wanted > shapes_.size())
            throw std::out_of_range("shapes: more than there are");
        total_ += wanted;
    }

private:
    static unsigned last_corner(const Polygon &polygon) { return polygon.corners_[11]; }
    unsigned *slot(unsigned which) {
        CANARY("shapes/index", which >= weights_.size());
        return weights_.data() + which;
    }
    unsigned weigh(unsigned which) { return *slot(which); }
    void rescale(unsigned which) { *slot(which) *= 2; }
    static unsigned first_of(std::string_view text, char least) {
        for (size_t i = text.size(); i > 0; i--)
            if (text[i - 1] < least)
                return static_cast<unsigned>(i);
        return 0;
    }

    std::vector<std::unique_ptr<Shape>> shapes_;
    std::vector<unsigned> weights_ = std::vector<unsigned>(8, 1);
    std::string kept_;
    std::string_view label_;
    bool stale_ = false;
    unsigned total_ = 0;
};

void draw(Input &in) {
    Scene scene;
    while (in.more()) {
        switch (in.take()) {
        case '+': scene.add(in); break;
        case 'c': scene.corner(in); break;
        case 'a': scene.area(in); break;
        case '*': scene.scale(in); break;
        case 'n': scene.name(in); break;
        case '?': scene.show(); break;
        case '<': scene.compare(); break;
        case 'g': scene.group(in); break;
        default: return;
        }
    }
}

}  // namespace shapes

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    shapes::Input in(data, size);
    shapes::draw(in);
    return 0;
}
